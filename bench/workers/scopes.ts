export * from "sallyport/scopes";
