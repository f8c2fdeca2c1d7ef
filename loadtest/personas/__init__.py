"""What each kind of person does, step by step; no module here knows Locust or gevent."""
