"use strict";

// Shows the API's description; everything comes from this server, and nothing is sent anywhere else.
const reference = document.getElementById("reference");

SwaggerUIBundle({
  url: reference.dataset.url,
  domNode: reference,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  validatorUrl: null,
});
