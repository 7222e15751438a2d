/* Removes what the browser checks of a form, so that the app is asked. */
node => {
  const form = node.closest("form");
  form.noValidate = true;
  for (const field of form.elements) {
    field.removeAttribute("maxlength");
    if (field.matches("input") && !/^(checkbox|radio|hidden|password|file|submit)$/.test(field.type))
      field.type = "text";
  }
}
