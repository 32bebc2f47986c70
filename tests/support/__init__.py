"""What tests share: servers, databases, browsers, relying parties. Nothing here knows what is being tested."""
