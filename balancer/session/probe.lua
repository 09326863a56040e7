-- ARGV: keep ms
redis.call('HSET', KEYS[1], 'probed', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {'ok', KEYS[1], now}
