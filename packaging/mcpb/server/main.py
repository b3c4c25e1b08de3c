"""What a client of MCP bundles starts: `deskclerk mcp`."""

import sys

from deskclerk.faces.cli.main import run

if __name__ == "__main__":
    run(["mcp", *sys.argv[1:]])
