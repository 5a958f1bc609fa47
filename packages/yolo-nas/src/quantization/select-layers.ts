/** Why a layer stays in float. */
export type SkipReason =
  | "asked"
  | "prediction"
  | "no speed gain"
  | "costs more accuracy than it gives speed"
  | "AP bar";

/** A layer's measured cost and benefit. */
export interface LayerTrade {
  readonly name: string;
  /** Output noise over signal when only this layer is quantised. */
  readonly error: number;
  /** Milliseconds that quantising it saves; undefined when it could not be timed. */
  readonly gainMs: number | undefined;
}

/** Noise energy of 1% at the predictions: below it, no layer of the trained models measured cost any AP. */
const NOTABLE_ERROR = 0.01;
/** A layer's share of the total error must be this many times its share of the total gain. */
const WORSE_THAN_GAIN = 4;

/** Layers that are no faster in INT8. */
export function layersWithoutGain(trades: readonly LayerTrade[]): string[] {
  return trades.filter(({ gainMs }) => gainMs !== undefined && gainMs <= 0).map(({ name }) => name);
}

/**
 * Layers that cost more accuracy than they gain speed, judged without labels: a notable error, and a share of the network's total error
 * several times their share of its total gain. With labels AP decides instead.
 */
export function unprofitableLayers(trades: readonly LayerTrade[]): string[] {
  const totalError = trades.reduce((sum, trade) => sum + trade.error, 0);
  const totalGain = trades.reduce((sum, trade) => sum + Math.max(0, trade.gainMs ?? 0), 0);
  return trades
    .filter(({ error, gainMs }) => {
      if (gainMs === undefined || gainMs <= 0 || error < NOTABLE_ERROR) return false;
      return error / totalError > (WORSE_THAN_GAIN * gainMs) / totalGain;
    })
    .map(({ name }) => name);
}

/** The next layer to keep in float when accuracy is too low: the most error per millisecond saved. */
export function nextToSkip(trades: readonly LayerTrade[], skipped: ReadonlySet<string>): string | undefined {
  const smallest = 1e-3;
  let best: LayerTrade | undefined;
  const ratio = ({ error, gainMs }: LayerTrade) => error / Math.max(gainMs ?? smallest, smallest);
  for (const trade of trades) {
    if (!skipped.has(trade.name) && (!best || ratio(trade) > ratio(best))) best = trade;
  }
  return best?.name;
}
