"""What a launch costs, measured in turns with something else in the same run: only ratios are believed.

stand: a connector configured through the real flow, then alone with an outside that costs little
outside: that outside: EHR and Microsoft of one recorded launch, for any number of launches
launches: provider launches by wrk
__main__: in turns with the floor and with an earlier version (`make bench-floor`)
wrk: any list of requests by wrk; hello: the Flask page that everything is held against
parts: all parts in turns with that page (`make bench`)
"""
