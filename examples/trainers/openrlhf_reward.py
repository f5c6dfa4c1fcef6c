"""OpenRLHF: --reward.remote_url examples/trainers/openrlhf_reward.py"""

from goldstone.openrlhf import reward

reward_func = reward("r1-zero", on_error=0.0)
