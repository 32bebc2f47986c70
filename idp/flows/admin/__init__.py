"""What those who run the provider do: operations, the same for pages, the REST API and the command line."""
