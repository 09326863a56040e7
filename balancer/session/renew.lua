-- ARGV: epoch, window ms, keep ms
if epoch > tonumber(ARGV[1]) or held[1] == '' then
  return {'fenced', KEYS[1], now}
end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[2] + ARGV[3]))
return {'ok', KEYS[1], now}
