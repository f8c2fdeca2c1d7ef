-- wrk: the requests of the file REQUESTS, a line each (method, path, cookie, by tabs), in turn; with ONCE each of them once.
-- BODY is a file sent with each. An answer counts as refused unless its status is STATUS and its Location holds PLACE.
local status_wanted, place, once = tonumber(os.getenv("STATUS")), os.getenv("PLACE") or "", os.getenv("ONCE") == "1"
local requests, threads, looked_at = {}, {}, false
sent, refused, first_wrong = 0, 0, 0

local function content(name)
  if not name or name == "" then return nil end
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function setup(thread) table.insert(threads, thread) end

function init()
  local body = content(os.getenv("BODY"))
  for line in io.lines(os.getenv("REQUESTS")) do
    local method, path, cookie = line:match("^(%S+)\t(%S+)\t(.*)$")
    local headers = {}
    if cookie ~= "" then headers["Cookie"] = cookie end
    if body then headers["Content-Type"] = "application/json" end
    table.insert(requests, wrk.format(method, path, headers, body))
  end
end

function request()
  if not looked_at then -- by wrk itself before it connects
    looked_at = true
    return requests[1]
  end
  if once and sent >= #requests then
    wrk.thread:stop()
    return requests[#requests]
  end
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function response(status, headers)
  local to = headers["Location"] or ""
  if status ~= status_wanted or not to:find(place, 1, true) then
    refused = refused + 1
    if first_wrong == 0 then first_wrong = status end
  end
end

function done()
  local asked, wrong, first = 0, 0, 0
  for _, thread in ipairs(threads) do
    asked, wrong, first = asked + thread:get("sent"), wrong + thread:get("refused"), thread:get("first_wrong")
  end
  io.write(string.format("asked %d refused %d first %d\n", asked, wrong, first))
end
