// Camera, microphone, speaker and connection, tried while the patient waits. Nothing leaves the page.
// The sentences are the server's (data attributes of #device-words).

const LOUD_ENOUGH = 15;
const FULL_SCALE = 300; // speech peaks near a third of full scale; show that as a full bar

const find = (id) => document.getElementById(id);
const words = () => find("device-words").dataset;

let stream = null;
let audio = null;

const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

export function offerDeviceTest() {
  find("devices").hidden = false;
  find("test-devices").addEventListener("click", start);
  find("stop-devices").addEventListener("click", () => {
    releaseDevices();
    find("test-devices").focus();
  });
  find("test-speaker").addEventListener("click", play);
}

export function releaseDevices() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  find("camera").srcObject = null;
  find("preview").hidden = true;
  find("stop-devices").hidden = true;
  find("test-devices").hidden = false;
}

export function showConnection(tookMs, slowMs) {
  const { fast, slow, lost } = words();
  const told = tookMs === null ? lost : tookMs > slowMs ? slow : fast;
  if (find("connection-result").textContent !== told) {
    find("connection-result").textContent = told;
  }
}

async function start() {
  const result = find("devices-result");
  result.textContent = "";
  if (!navigator.mediaDevices?.getUserMedia) {
    result.textContent = words().unable;
    return;
  }
  try {
    stream = await open();
  } catch (refused) {
    result.textContent = words()[REASONS[refused.name] ?? "unable"];
    return;
  }
  const picture = stream.getVideoTracks().length > 0;
  result.textContent = picture ? words().good : words().noPicture;
  find("camera").hidden = !picture;
  find("camera").srcObject = picture ? stream : null;
  find("preview").hidden = false;
  find("test-devices").hidden = true;
  find("stop-devices").hidden = false;
  find("stop-devices").focus();
  listen(stream);
}

async function open() {
  const { mediaDevices } = navigator;
  try {
    return await mediaDevices.getUserMedia({ audio: true, video: { facingMode: "user" } });
  } catch (refused) {
    if (REASONS[refused.name] !== "missing") {
      throw refused;
    }
    return mediaDevices.getUserMedia({ audio: true });
  }
}

function listen(heard) {
  const analyser = sounds().createAnalyser();
  sounds().createMediaStreamSource(heard).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const measure = () => {
    if (stream !== heard) {
      return;
    }
    analyser.getFloatTimeDomainData(samples);
    const level = Math.min(100, FULL_SCALE * Math.max(...samples.map(Math.abs)));
    find("microphone").value = level;
    if (level > LOUD_ENOUGH && find("microphone-result").textContent === "") {
      find("microphone-result").textContent = words().heard;
    }
    requestAnimationFrame(measure);
  };
  measure();
}

function play() {
  const tone = sounds().createOscillator();
  const volume = sounds().createGain();
  const now = sounds().currentTime;
  tone.frequency.value = 440;
  volume.gain.setValueAtTime(0.2, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + 1.2);
  tone.connect(volume).connect(sounds().destination);
  tone.start();
  tone.stop(now + 1.2);
  find("speaker-result").textContent = words().played;
}

function sounds() {
  audio ??= new AudioContext();
  audio.resume();
  return audio;
}
