"""The activity feed: what happened on a site, in one sentence each."""
