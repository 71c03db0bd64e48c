"""Fake cameras: pictures of a scene, painted in a process of their own, on the wire as MJPEG and RTSP."""
