"""`python -m deskclerk`: the command line."""

from deskclerk.faces.cli.main import run

if __name__ == "__main__":
    run()
