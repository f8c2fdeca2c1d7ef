"""Parts of the sandbox: certificates, ports, configuration files, child processes, the welcome text."""
