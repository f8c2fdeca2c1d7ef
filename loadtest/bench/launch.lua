-- wrk: the first half of a launch, then its second half with the state, nonce and cookie that came back.
-- Two requests are one launch; every visit is launched twice, the second time some hundred launches later.
-- At the end it says what launches waited for the outside, as their Server-Timing tells.
local waiting, first, last, begun = {}, 1, 0, 0
local first_csn, iss, kind = tonumber(os.getenv("FIRST_CSN")), os.getenv("ISS"), os.getenv("KIND")
local begin = "/launch/" .. kind .. "?launch=bench&iss=" .. os.getenv("FHIR_BASE")
local of_kind = kind == "patient" and "p" or ""
local threads = {}
upstream_ms = 0

function setup(thread) table.insert(threads, thread) end

local function csn()
  local half = begun % 2 == 0 and begun / 2 or math.max(0, (begun - 401) / 2)
  begun = begun + 1
  return string.format("%d", first_csn + math.floor(half))
end

function request()
  local known = waiting[first]
  if not known then return wrk.format("GET", begin) end
  waiting[first], first = nil, first + 1
  local back = "/launch/callback?code=" .. of_kind .. csn() .. "~" .. known.nonce .. "&state=" .. known.state .. "&iss=" .. iss
  return wrk.format("GET", back, { ["Cookie"] = known.cookie })
end

function response(status, headers)
  local timing = headers["Server-Timing"]
  local waited = timing and timing:match("upstream;dur=([%d.]+)")
  if waited then upstream_ms = upstream_ms + tonumber(waited) end
  local to = headers["Location"]
  local state = to and to:match("[?&]state=([^&]+)")
  if state then
    last = last + 1
    waiting[last] = { state = state, nonce = to:match("[?&]nonce=([^&]+)"), cookie = headers["Set-Cookie"]:match("^[^;]+") }
  end
end

function done()
  local sum = 0
  for _, thread in ipairs(threads) do sum = sum + (thread:get("upstream_ms") or 0) end
  io.write(string.format("upstream_ms %.1f\n", sum))
end
