"""The inbox: a webhook receiver of ours for each partner's sandbox. What is delivered there is read by the API."""
