"""What each part of the connector costs, as ratios to a Flask hello page measured in the same rounds (`make bench`).

prepared: one sandbox is set up, a call and some visits are recorded; each side gets a copy of its database
database: what the bench itself reads and writes there
pages: launch, callback, webhook and the portal's pages, by wrk
outbox: reports that are owed, by the real worker
viewers, feed: events of visits to many open pages, by the real feed
turns: everything in turns with the hello page; figures: their ratios; told: table, file and baseline
"""
