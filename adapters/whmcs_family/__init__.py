"""What WHMCS and the systems whose APIs are shaped like its have in common."""
