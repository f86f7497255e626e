"""WeChat in a box as a process, driven over HTTP by peers that others wrote."""
