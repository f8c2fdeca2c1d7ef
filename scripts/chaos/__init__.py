"""The parts of `scripts/promote_chaos.py`: what is played, what is killed, which states are legal."""
