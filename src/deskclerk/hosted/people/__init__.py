"""People of a hosted desk: how they sign in, what they may sign, and with what.

`sign_in.py` speaks OpenID Connect with the issuer, `sessions.py` keeps who is in, `invitations.py` and
`members.py` who belongs to a workspace, `passkeys.py` what a person holds in the hand, and
`signing_rules.py` says whose yes counts.
"""
