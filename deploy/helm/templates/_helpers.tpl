{{- define "sightline.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{/* Labels by which a service's pods are found; takes (dict "root" $ "service" NAME), as all below do. */}}
{{- define "sightline.selector" -}}
app.kubernetes.io/name: sightline
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "sightline.labels" -}}
{{ include "sightline.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "sightline.meta" -}}
name: {{ include "sightline.fullname" .root }}-{{ .service }}
labels:
  {{- include "sightline.labels" . | nindent 2 }}
{{- end }}

{{- define "sightline.port" -}}
{{ get (dict "results" 9100 "ingest" 9101 "inference" 9102 "bridges" 9103 "analysis" 9104) .service }}
{{- end }}

{{- define "sightline.scheme" -}}
{{ if and (eq .service "results") .root.Values.results.tls.existingSecret }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{- define "sightline.image" -}}
{{- $name := .service -}}
{{- if and (eq .service "inference") .root.Values.inference.gpu.enabled }}{{ $name = "inference-gpu" }}{{ end -}}
image: {{ printf "%s/%s:%s" .root.Values.images.registry $name (default .root.Chart.AppVersion .root.Values.images.tag) | quote }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
{{- end }}

{{/* The fullname that the chart of NATS gives itself. */}}
{{- define "sightline.natsName" -}}
{{- if contains "nats" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-nats{{ end -}}
{{- end }}

{{- define "sightline.natsUrl" -}}
{{- if .Values.natsConnection.url }}{{ .Values.natsConnection.url }}{{ else }}nats://{{ include "sightline.natsName" . }}:4222{{ end -}}
{{- end }}

{{- define "sightline.natsMonitoring" -}}
{{- if .Values.natsConnection.monitoring }}{{ .Values.natsConnection.monitoring }}{{ else }}{{ include "sightline.natsName" . }}-headless.{{ .Release.Namespace }}.svc.cluster.local:8222{{ end -}}
{{- end }}

{{/* Environment of a service: what the chart knows, then `settings` of all, then those of the service. */}}
{{- define "sightline.env" -}}
{{- $values := index .root.Values .service -}}
{{- $env := dict -}}
{{- if eq .service "bridges" -}}
{{- $tls := .root.Values.results.tls -}}
{{- $results := printf "%s-results" (include "sightline.fullname" .root) -}}
{{- $_ := set $env "SIGHTLINE_GRPC_ADDRESS" (printf "%s%s:50051" (ternary "https://" "" (ne $tls.existingSecret "")) $results) -}}
{{- $_ := set $env "SIGHTLINE_BRIDGES_TOKEN_FILE" "/run/keys/bridges.token" -}}
{{- if $tls.existingSecret -}}
{{- if $tls.caKey }}{{ $_ := set $env "SIGHTLINE_TLS_CA_FILE" "/run/results-ca/ca.crt" }}{{ end -}}
{{- if $tls.serverName }}{{ $_ := set $env "SIGHTLINE_TLS_SERVER_NAME" $tls.serverName }}{{ end -}}
{{- end -}}
{{- else -}}
{{- $_ := set $env "SIGHTLINE_NATS_URL" (include "sightline.natsUrl" .root) -}}
{{- $_ := set $env "SIGHTLINE_NATS_NKEY_FILE" "/run/keys/nats.nk" -}}
{{- $_ := set $env "SIGHTLINE_NATS_REPLICAS" (toString .root.Values.natsConnection.replicas) -}}
{{- with .root.Values.natsConnection.tls -}}
{{- if .existingSecret }}{{ $_ := set $env "SIGHTLINE_NATS_CA_FILE" "/run/nats-tls/ca.crt" }}{{ end -}}
{{- if and .existingSecret .clientCertificate -}}
{{- $_ := set $env "SIGHTLINE_NATS_CERT_FILE" "/run/nats-tls/tls.crt" -}}
{{- $_ := set $env "SIGHTLINE_NATS_KEY_FILE" "/run/nats-tls/tls.key" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set $env (printf "SIGHTLINE_%s_HTTP" (upper .service)) (printf "0.0.0.0:%s" (include "sightline.port" .)) -}}
{{- if eq .service "results" -}}
{{- $_ := set $env "SIGHTLINE_ANALYSIS" "apart" -}}
{{- $_ := set $env "SIGHTLINE_GRPC" "0.0.0.0:50051" -}}
{{- $_ := set $env "SIGHTLINE_ADMIN_PASSWORD_FILE" "/run/keys/admin-password" -}}
{{- $_ := set $env "SIGHTLINE_BRIDGES_TOKEN_FILE" "/run/keys/bridges.token" -}}
{{- $_ := set $env "SIGHTLINE_METRICS_TOKEN_FILE" "/run/keys/metrics.token" -}}
{{- if .root.Values.sites.existingSecret }}{{ $_ := set $env "SIGHTLINE_SITES_DIRECTORY" "/run/sites" }}{{ end -}}
{{- if $values.tls.existingSecret -}}
{{- $_ := set $env "SIGHTLINE_TLS_CERT_FILE" "/run/tls/tls.crt" -}}
{{- $_ := set $env "SIGHTLINE_TLS_KEY_FILE" "/run/tls/tls.key" -}}
{{- end -}}
{{- end -}}
{{- if has .service (list "results" "ingest") }}{{ $_ := set $env "SIGHTLINE_SECRETS_KEY_FILE" "/run/keys/secrets.key" }}{{ end -}}
{{- if and (has .service (list "ingest" "inference")) (or .inPod (eq .root.Values.frameMemory.share "node")) }}{{ $_ := set $env "SIGHTLINE_FRAME_MEMORY_DIR" "/run/sightline-frames" }}{{ end -}}
{{- if eq .service "ingest" -}}
{{- if $values.recordings.enabled }}{{ $_ := set $env "SIGHTLINE_RECORDINGS_DIRECTORY" "/recordings" }}{{ end -}}
{{- if eq .root.Values.frameMemory.share "none" }}{{ $_ := set $env "SIGHTLINE_FRAME_MEMORY_MIB" "0" }}{{ end -}}
{{- end -}}
{{- if eq .service "inference" -}}
{{- $_ := set $env "SIGHTLINE_EXECUTION_PROVIDER" (ternary "auto" "cpu" $values.gpu.enabled) -}}
{{- $_ := set $env "SIGHTLINE_MODEL" $values.model -}}
{{- /* What is uploaded is in NATS: each worker fetches it when it starts. */ -}}
{{- $_ := set $env "SIGHTLINE_MODEL_DIR" (ternary "/models:/uploads" "models:/uploads" (ne $values.models.existingClaim "")) -}}
{{- $_ := set $env "TMPDIR" "/uploads" -}}
{{- end -}}
{{- $env = merge (dict) $values.settings .root.Values.settings $env -}}
env:
  {{- range $name, $value := $env }}
  - name: {{ $name }}
    value: {{ toString $value | quote }}
  {{- end }}
  {{- if eq .service "ingest" }}
  # The API finds by this name the ingest that has a recording; it stays with the pod's volume.
  - name: SIGHTLINE_INGEST_ID
    valueFrom: { fieldRef: { fieldPath: metadata.name } }
  {{- end }}
{{- with $values.settingsSecret }}
envFrom:
  - secretRef: { name: {{ . }} }
{{- end }}
{{- end }}

{{- define "sightline.mounts" -}}
- { name: {{ .keys | default "keys" }}, mountPath: /run/keys, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if and (ne .service "bridges") .root.Values.natsConnection.tls.existingSecret }}
- { name: nats-tls, mountPath: /run/nats-tls, readOnly: true }
{{- end }}
{{- if and (has .service (list "ingest" "inference")) (or .inPod (eq .root.Values.frameMemory.share "node")) }}
- { name: frames, mountPath: /run/sightline-frames }
{{- end }}
{{- if and (eq .service "results") .root.Values.results.tls.existingSecret }}
- { name: tls, mountPath: /run/tls, readOnly: true }
{{- end }}
{{- if and (eq .service "results") .root.Values.sites.existingSecret }}
- { name: sites, mountPath: /run/sites, readOnly: true }
{{- end }}
{{- if and (eq .service "bridges") .root.Values.results.tls.existingSecret .root.Values.results.tls.caKey }}
- { name: results-ca, mountPath: /run/results-ca, readOnly: true }
{{- end }}
{{- if and (eq .service "ingest") .root.Values.ingest.recordings.enabled }}
- { name: recordings, mountPath: /recordings }
{{- end }}
{{- if eq .service "inference" }}
- { name: uploads, mountPath: /uploads }
{{- end }}
{{- if and (eq .service "inference") .root.Values.inference.models.existingClaim }}
- { name: models, mountPath: /models, readOnly: true }
{{- end }}
{{- end }}

{{- define "sightline.volumes" -}}
- name: keys
  secret: { secretName: {{ index .root.Values .service "existingSecret" }}, defaultMode: 0440 }
- name: tmp
  emptyDir: { sizeLimit: 256Mi }
{{- if and (ne .service "bridges") .root.Values.natsConnection.tls.existingSecret }}
- name: nats-tls
  secret: { secretName: {{ .root.Values.natsConnection.tls.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- if has .service (list "ingest" "inference") }}
{{- if and (eq .service "ingest") (eq .root.Values.frameMemory.share "pod") }}
- name: frames
  emptyDir: { medium: Memory, sizeLimit: {{ .root.Values.frameMemory.sizeLimit }} }
- name: worker-keys
  secret: { secretName: {{ .root.Values.inference.existingSecret }}, defaultMode: 0440 }
{{- else if eq .root.Values.frameMemory.share "node" }}
- name: frames
  hostPath: { path: {{ .root.Values.frameMemory.hostPath }}, type: Directory }
{{- end }}
{{- end }}
{{- if and (eq .service "results") .root.Values.results.tls.existingSecret }}
- name: tls
  secret: { secretName: {{ .root.Values.results.tls.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- if and (eq .service "results") .root.Values.sites.existingSecret }}
- name: sites
  secret: { secretName: {{ .root.Values.sites.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- if and (eq .service "bridges") .root.Values.results.tls.existingSecret .root.Values.results.tls.caKey }}
- name: results-ca
  # Without the private key.
  secret: { secretName: {{ .root.Values.results.tls.existingSecret }}, items: [{ key: {{ .root.Values.results.tls.caKey }}, path: ca.crt }] }
{{- end }}
{{- if or (eq .service "inference") (and (eq .service "ingest") (eq .root.Values.frameMemory.share "pod")) }}
- name: uploads
  emptyDir: { sizeLimit: {{ .root.Values.inference.models.uploadsSizeLimit }} }
{{- end }}
{{- if and .root.Values.inference.models.existingClaim (or (eq .service "inference") (and (eq .service "ingest") (eq .root.Values.frameMemory.share "pod"))) }}
- name: models
  persistentVolumeClaim: { claimName: {{ .root.Values.inference.models.existingClaim }}, readOnly: true }
{{- end }}
{{- end }}

{{/* One container of a service. */}}
{{- define "sightline.container" -}}
{{- $values := index .root.Values .service -}}
- name: {{ .service }}
  {{- include "sightline.image" . | nindent 2 }}
  {{- include "sightline.env" . | nindent 2 }}
  ports:
    - { name: http-{{ .service | trunc 9 }}, containerPort: {{ include "sightline.port" . }} }
    {{- if eq .service "results" }}
    - { name: grpc, containerPort: 50051 }
    {{- end }}
  # A model or a long stream may take minutes to be read; the process answers meanwhile.
  startupProbe:
    httpGet: { path: /healthz, port: {{ include "sightline.port" . }}, scheme: {{ include "sightline.scheme" . }} }
    periodSeconds: 2
    failureThreshold: 60
  livenessProbe:
    httpGet: { path: /healthz, port: {{ include "sightline.port" . }}, scheme: {{ include "sightline.scheme" . }} }
    periodSeconds: 15
    timeoutSeconds: 5
    failureThreshold: 4
  readinessProbe:
    httpGet: { path: /readyz, port: {{ include "sightline.port" . }}, scheme: {{ include "sightline.scheme" . }} }
    periodSeconds: 5
    timeoutSeconds: 5
  resources:
    {{- $resources := $values.resources }}
    {{- if and (eq .service "inference") $values.gpu.enabled }}
    {{- $resources = merge (dict "limits" (dict "nvidia.com/gpu" (toString $values.gpu.count))) (deepCopy $values.resources) }}
    {{- end }}
    {{- toYaml $resources | nindent 4 }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: { drop: [ALL] }
  volumeMounts:
    {{- include "sightline.mounts" . | nindent 4 }}
{{- end }}

{{/* The pod of a service, for a Deployment or StatefulSet. */}}
{{- define "sightline.pod" -}}
{{- $values := index .root.Values .service -}}
{{- $beside := and (eq .service "ingest") (eq .root.Values.frameMemory.share "pod") -}}
{{- $gpu := and (or $beside (eq .service "inference")) .root.Values.inference.gpu.enabled -}}
metadata:
  labels:
    {{- include "sightline.labels" . | nindent 4 }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 20
  {{- with .root.Values.images.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  {{- if $gpu }}
  {{- with .root.Values.inference.gpu.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- end }}
  {{- with merge (dict) $values.nodeSelector (ternary .root.Values.inference.gpu.nodeSelector (dict) $gpu) }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat $values.tolerations (ternary .root.Values.inference.gpu.tolerations (list) $gpu) }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "sightline.selector" . | nindent 10 }}
  containers:
    {{- include "sightline.container" (merge (dict "inPod" $beside) .) | nindent 4 }}
    {{- if $beside }}
    {{- include "sightline.container" (dict "root" .root "service" "inference" "inPod" true "keys" "worker-keys") | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "sightline.volumes" . | nindent 4 }}
{{- end }}
