-- ARGV: account, new id, datacenter, at least, window ms, keep ms, expires ms, proof
if now >= tonumber(ARGV[7]) then
  return {'late', KEYS[1], now}
end

local held = redis.call('HMGET', KEYS[1], 'session', 'account', 'recorder', 'epoch', 'until', 'title', 'proof')
local session, recorder, title, proof = ARGV[2], '', '', ARGV[8]
if held[1] and tonumber(held[5]) > now then
  if held[2] ~= ARGV[1] then
    return {'taken', KEYS[1], now}
  end
  session, recorder, title = held[1], held[3], held[6] or ''
  if proof == '' then
    proof = held[7] or ''
  end
end

local epoch = math.max(tonumber(held[4] or '0'), tonumber(ARGV[4])) + 1
local expiry = now + tonumber(ARGV[5])
redis.call('HSET', KEYS[1], 'session', session, 'account', ARGV[1], 'recorder', recorder,
  'datacenter', ARGV[3], 'title', title, 'proof', proof, 'epoch', string.format('%.0f', epoch), 'until', string.format('%.0f', expiry))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[5] + ARGV[6]))
return {'ok', KEYS[1], now, session, ARGV[1], recorder, ARGV[3], title, proof, epoch, expiry}
