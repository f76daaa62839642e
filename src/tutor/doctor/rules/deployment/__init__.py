"""Servers, proxies, containers, and what is started in them."""
