"""Simulator of what the connector needs from Microsoft: Entra ID, Graph and the Teams meeting. In memory, strict.

| package         | simulates |
|-----------------|-----------|
| `entra`         | sign-in, tokens, admin consent: https://learn.microsoft.com/entra/identity-platform/v2-protocols |
| `graph`         | online meetings, subscriptions, users, attendance: https://learn.microsoft.com/graph/api/overview |
| `teams`         | the meeting itself: lobby, roster, pages of staff and of a patient's browser |
| `notifications` | encrypted change notifications: https://learn.microsoft.com/graph/change-notifications-with-resource-data |
"""
