"""What people see: pure functions from what is known to Block Kit. A view never acts."""
