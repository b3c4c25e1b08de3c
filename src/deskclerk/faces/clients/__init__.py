"""The AI clients that deskclerk is installed in, for every face that speaks of them.

`clients` knows them all, `editing` changes a client's text through one of `jsonc`, `toml` and `yaml`,
`links` makes what a browser can open, and `configuration` says how another process starts or reaches this
desk.
"""
