import type { HttpActivated, HttpModels, HttpNewShadow, HttpShadow, HttpShadows } from "@sightline/contracts";
import { request, requestJson } from "./request.ts";

export const listModels = (signal?: AbortSignal) => requestJson<HttpModels>("/models", { signal });

export const activateModel = (model: string, version: string) =>
  requestJson<HttpActivated>(`${path(model)}/activate`, { method: "POST", body: { version } });

export const rollbackModel = (model: string) =>
  requestJson<HttpActivated>(`${path(model)}/rollback`, { method: "POST" });

export const listShadows = (signal?: AbortSignal) => requestJson<HttpShadows>("/shadows", { signal });

export const getShadow = (id: string, signal?: AbortSignal) =>
  requestJson<HttpShadow>(`/shadows/${id}`, { signal });

export const startShadow = (body: HttpNewShadow) =>
  requestJson<HttpShadow>("/shadows", { method: "POST", body });

export const stopShadow = (id: string) => request(`/shadows/${id}/stop`, { method: "POST" });

export const deleteShadow = (id: string) => request(`/shadows/${id}`, { method: "DELETE" });

export function shadowPicture(id: string, frame: string): string {
  return `/api/v1/shadows/${id}/pictures/${encodeURIComponent(frame)}`;
}

function path(model: string): string {
  return `/models/${encodeURIComponent(model)}`;
}
