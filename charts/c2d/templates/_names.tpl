{{- define "c2d.engine" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-engine
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
