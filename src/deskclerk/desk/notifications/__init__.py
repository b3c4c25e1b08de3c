"""Tells people where they are that something waits for them: a plan to sign, a job that pauses and asks.

`messages` says what is told, `webhooks` and `services` carry it, `notifications` sees to it in the
background. A message informs and decides nothing: whoever reads it signs where plans are signed.
"""
