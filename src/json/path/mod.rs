//! Paths: RedisJSON's dialect of JSONPath.
