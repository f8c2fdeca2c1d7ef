"""The test-to-production story, told headless by plain HTML forms (docs/adr/0005)."""
