"""Answers, for each URL given as a line of JSON, how libcurl reads it: a line of JSON, null for one that it refuses."""
import ctypes
import ctypes.util
import json
import sys

curl = ctypes.CDLL(ctypes.util.find_library("curl") or "libcurl.so.4")
curl.curl_url.restype = ctypes.c_void_p
curl.curl_url_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
curl.curl_url_get.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.c_uint]
curl.curl_url_cleanup.argtypes = [ctypes.c_void_p]
# https://curl.se/libcurl/c/curl_url_get.html
URL, SCHEME, USER, HOST, PORT = 0, 1, 2, 5, 6


def part(handle, what):
    value = ctypes.c_char_p()
    if curl.curl_url_get(handle, what, ctypes.byref(value), 0) != 0:
        return None
    return value.value.decode("utf-8", "replace")


for line in sys.stdin:
    url = json.loads(line).encode("utf-8", "replace")
    handle = curl.curl_url()
    read = b"\0" not in url and curl.curl_url_set(handle, URL, url, 0) == 0
    answer = {"host": part(handle, HOST), "user": part(handle, USER), "port": part(handle, PORT)} if read else None
    curl.curl_url_cleanup(handle)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
