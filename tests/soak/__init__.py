"""The soak test: the true bot at work for as long as asked, and whether anything grows, is lost or doubled."""
