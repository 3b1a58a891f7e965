export * from "sallyport/oidc/token-cookies";
