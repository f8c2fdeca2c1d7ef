"""The rehearsal: our Pulumi program under the real Pulumi CLI, against a simulated Azure Resource Manager.

`schema` checks registered inputs against the SDK's own args classes, `arm` is the simulated Azure Resource Manager,
`provider` the plugin process between it and the engine, `workspace` the temporary home the CLI runs in.
"""
