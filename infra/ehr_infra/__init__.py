"""The Azure stamp of one data geography and environment (infrastructure.md section 2)."""
