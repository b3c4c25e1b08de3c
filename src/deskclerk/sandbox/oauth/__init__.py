"""OAuth 2.0 and OpenID Connect, as Clerk's Frontend API has them for an instance's OAuth applications.

`endpoints.py` brings a request to what answers it; applications, and tokens once they are issued, belong to
`applications/`, and the Backend API has its say on both.
"""
