{{- define "c2d.engine" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-engine
{{- end }}

{{- define "c2d.service" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-service
{{- end }}

{{- define "c2d.reader" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-reader
{{- end }}

{{- define "c2d.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "c2d.labels" -}}
app.kubernetes.io/name: c2d
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "c2d.engineSelector" -}}
app.kubernetes.io/name: c2d
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: engine
{{- end }}

{{- define "c2d.serviceSelector" -}}
app.kubernetes.io/name: c2d
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: service
{{- end }}

{{- /* The Aquarius of everything; service.metadataUri is where it was set before. */}}
{{- define "c2d.metadataUri" -}}
{{ .Values.operator.metadataUri | default .Values.service.metadataUri }}
{{- end }}

{{- /* The Secrets that storage asks for (S3 credentials, headers for IPFS), as a JSON list: those of the chart's
environments and the others that are named. */}}
{{- define "c2d.credentials" -}}
{{- $names := .Values.service.credentialsSecrets }}
{{- range .Values.environments }}
{{- with dig "results" "s3" "credentialsSecretName" "" .spec }}{{ $names = append $names . }}{{ end }}
{{- with dig "results" "ipfs" "headersSecretName" "" .spec }}{{ $names = append $names . }}{{ end }}
{{- end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}

{{- /* The chains, as the engine reads them; an URL in a Secret is put in by Kubernetes. */}}
{{- define "c2d.chains" -}}
{{- $chains := list }}
{{- range . }}
{{- $url := .rpcUrl | default (printf "$(RPC_URL_%d)" (int64 .chainId)) }}
{{- $chains = append $chains (merge (dict "chainId" (int64 .chainId) "rpcUrl" $url) (omit . "rpcUrlSecret" "chainId")) }}
{{- end }}
{{- $chains | toJson }}
{{- end }}
