"""`deskclerk install`: the entry that has an AI client start deskclerk, written into the client's own file.

`clients` knows the clients, `editing` changes a text through one of `jsonc`, `toml` and `yaml`, `files` has
it on the disk, `links` makes what a browser can open, and `command` asks the person.
"""
