"""The operator-service on loopback, measured against the least that could do the same: a bare handler that answers
the same bytes, a bare client that creates the same objects, the S3 server itself.
"""
