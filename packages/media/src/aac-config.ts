/** What an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) says about AAC sound. */
export interface AacConfig {
  /** Kind of AAC: 2 is AAC-LC. */
  objectType: number;
  /** Coded samples per second; a player may double them (HE-AAC). */
  sampleRate: number;
  channels: number;
  /** Samples per frame. */
  frameSamples: number;
}

const sampleRates = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
const channelCounts = [0, 1, 2, 3, 4, 5, 6, 8];
/** AAC Main, LC, SSR and LTP, whose frames have the same description. */
const plainTypes = [1, 2, 3, 4];
/** SBR (5) and parametric stereo (29) extend another kind; the same bits follow, and name that kind. */
const extensions = [5, 29];
const mostConfigBytes = 64;

/** Undefined for data that is incomplete or not AAC that a file can hold. */
export function readAacConfig(config: Uint8Array): AacConfig | undefined {
  if (config.length < 2 || config.length > mostConfigBytes) return undefined;
  let at = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, at++)
      value = value * 2 + (((config[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    return value;
  };
  const type = () => {
    const short = bits(5);
    return short === 31 ? 32 + bits(6) : short;
  };
  const rate = () => {
    const index = bits(4);
    return index === 15 ? bits(24) : (sampleRates[index] ?? 0);
  };
  let objectType = type();
  const sampleRate = rate();
  const channels = channelCounts[bits(4)] ?? 0;
  if (extensions.includes(objectType)) {
    rate();
    objectType = type();
  }
  const frameSamples = bits(1) === 1 ? 960 : 1024;
  const isWhole = at <= 8 * config.length;
  if (!isWhole || !plainTypes.includes(objectType) || channels === 0) return undefined;
  if (sampleRate < 7_350 || sampleRate > 96_000) return undefined;
  return { objectType, sampleRate, channels, frameSamples };
}

/** Coded silence of AAC-LC, by channels: one frame of any sample rate. */
const silentFrames: Readonly<Record<number, Buffer>> = {
  1: Buffer.from("00c800802380", "hex"),
  2: Buffer.from("210049900219002380", "hex"),
};

/** A frame of silence for this kind of sound; undefined if none is known. */
export function silentAacFrame({ objectType, channels, frameSamples }: AacConfig): Buffer | undefined {
  return objectType === 2 && frameSamples === 1024 ? silentFrames[channels] : undefined;
}
