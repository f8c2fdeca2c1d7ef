"""What a launch costs, measured in turns with something else in the same run: only ratios are believed.

stand: a connector configured through the real flow, then alone with an outside that costs little
outside: that outside: EHR and Microsoft of one recorded launch, for any number of launches
launches: launches by wrk, of providers and of patients
__main__: in turns with the floor and with an earlier version (`make bench-floor`)
postgres: a durable PostgreSQL of the bench's own, and what it says of itself
whole_visit: one visit by clicking, to its end
scale: 1, 2 and 4 web processes (`make bench-scale`); model, gate, scale_check and scale_words are its parts
growth: the first day beside a database of years (`make bench-growth`), which `seeding` makes
stamps: what a stamp carries, from these (docs/capacity.md)
wrk: any list of requests by wrk; hello: the Flask page that everything is held against
parts: all parts in turns with that page (`make bench`)
"""
