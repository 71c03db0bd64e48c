"""Cameras whose pictures are looked at: MJPEG over HTTP, single pictures over HTTP, and RTSP."""
