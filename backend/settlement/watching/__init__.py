"""Watches a rollup from L1 alone, and acts: proves, challenges, answers, shows, freezes."""
