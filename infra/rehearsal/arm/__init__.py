"""A simulated Azure Resource Manager, in this process, on loopback.

Ids, paths, api-versions, status codes, error bodies, Retry-After and asynchronous operations are ARM's. Bodies are not:
they travel in azure-native's flattened input shape, because no ARM schema can be had offline.
"""
