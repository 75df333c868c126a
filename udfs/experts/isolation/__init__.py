"""Learned experts in processes of their own: crashes and hangs cost one image."""
