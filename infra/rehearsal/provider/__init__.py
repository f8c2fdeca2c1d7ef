"""The azure-native plugin of the rehearsal: between the Pulumi engine (gRPC) and the simulated ARM (HTTP)."""
