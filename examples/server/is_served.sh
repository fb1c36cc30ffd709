# Whether a version of the model is available: exit status 0 if it is.
# The image of TensorFlow Serving has neither curl nor Python, but bash can ask by itself.
exec 3<>"/dev/tcp/localhost/${1:-8501}" || exit 1
printf 'GET /v1/models/keras_3dmmstn HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
while read -r -t 4 line <&3 || [[ $line ]]; do
  [[ $line == *'"AVAILABLE"'* ]] && exit 0
done
exit 1
