{{- define "sluicegate.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sluicegate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluicegate.labels" -}}
{{ include "sluicegate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "sluicegate.secret" -}}
{{ .Values.secret.existing | default (include "sluicegate.name" .) }}
{{- end }}

{{- define "sluicegate.settings" -}}
{{- $settings := .Values.settings -}}
{{- if .Values.selections }}{{ $settings = merge (dict "SELECTIONS" "/etc/sluicegate/selections") $settings }}{{ end -}}
{{- toYaml $settings }}
{{- end }}
