"""`deskclerk install`: the entry that has an AI client start deskclerk, written into the client's own file.

`command` asks the person, `files` has the file on the disk, `showing` what changes in it, `listing` which
clients are here. What there is to know of each client stands in `faces/clients/`.
"""
